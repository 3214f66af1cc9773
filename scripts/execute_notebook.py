"""Run a notebook from its first cell to its last and write it with what they showed; the kernel works in a folder.

``python scripts/execute_notebook.py docs/notebooks/first_steps.ipynb --in /tmp/first_steps`` (extra ``notebook``)
"""

import argparse
from pathlib import Path

import nbformat
from nbclient import NotebookClient

# What a kernel adds for itself, and what differs from run to run.
_UNWANTED = ("execution", "collapsed")


def executed(path, folder, timeout=600):
    """Return the notebook of a file, executed in a folder; an error in a cell is one here."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=timeout, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    for cell in notebook.cells:
        for name in _UNWANTED:
            cell.metadata.pop(name, None)
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return notebook


def _joined(outputs):
    """Outputs with what was printed piece by piece in one."""
    found = []
    for each in outputs:
        if found and each.output_type == found[-1].output_type == "stream" and each.name == found[-1].name:
            found[-1].text += each.text
        else:
            found.append(each)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--in", dest="folder", required=True, help="where the kernel works; made if it is not there")
    parser.add_argument("--out", type=Path, help="where to write (the notebook itself)")
    arguments = parser.parse_args()
    Path(arguments.folder).mkdir(parents=True, exist_ok=True)
    made = executed(arguments.notebook, arguments.folder)
    nbformat.write(made, arguments.out or arguments.notebook)
