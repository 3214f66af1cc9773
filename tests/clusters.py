"""Clusters of one node on the loopback address, for the tests of ``--executor``: Slurm and Ray."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .commands import wait
from .engines import free_ports
from .forks import PATIENCE

_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=20
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
KillWait=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs=3
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_no_slurm():
    """Why a Slurm cluster cannot be started here, or None."""
    missing = [each for each in ("munged", "slurmctld", "slurmd", "sbatch") if shutil.which(each) is None]
    if missing:
        return f"{', '.join(missing)} not installed (on Debian: apt-get install slurm-wlm munge)"
    return None if os.getuid() == 0 else "a Slurm cluster of one's own is started as root"


@contextlib.contextmanager
def slurm():
    """A Slurm cluster without accounting, of three cores on this machine; gives the variables by which it is found."""
    # Not in pytest's folder: the path of a socket may have some 100 characters.
    with tempfile.TemporaryDirectory(prefix="slurm_") as name:
        folder, host = Path(name), socket.gethostname().partition(".")[0]
        for each in ("state", "spool"):
            (folder / each).mkdir()
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        conf = folder / "slurm.conf"
        conf.write_text(_CONF.format(host=host, folder=folder, ports=free_ports(2)))
        environment = {**os.environ, "SLURM_CONF": str(conf)}
        files = [f"--{each}-file={folder}/munge.{each}" for each in ("key", "pid", "log", "seed")]
        try:
            _call(["munged", "--force", f"--socket={folder}/munge.socket", *files], environment)
            wait((folder / "munge.socket").exists, "munged")
            _call(["slurmctld", "-i"], environment)
            _call(["slurmd"], environment)
            wait(lambda: "idle" in _call(["sinfo", "--noheader"], environment, check=False), "Slurm's node")
            yield {"SLURM_CONF": str(conf)}
        finally:
            # Ends what is left of the jobs before those that could end it.
            _call(["scancel", "--full", "--signal=KILL", "--user=root"], environment, check=False)
            for each in ("slurmd.pid", "slurmctld.pid", "munge.pid"):
                _end(folder / each)


def _call(command, environment, check=True):
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout


def _end(path):
    """End a daemon by its file, and wait for its end."""
    if not path.exists():
        return
    process = int(path.read_text())
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGTERM)
        for _ in range(600):
            os.kill(process, 0)
            time.sleep(0.1)
        os.kill(process, signal.SIGKILL)


@contextlib.contextmanager
def ray():
    """A Ray cluster of three cores on this machine; gives its address."""
    port = free_ports(1)[0]
    with tempfile.TemporaryDirectory(prefix="ray_", ignore_cleanup_errors=True) as folder:
        options = {
            "port": port,
            "num-cpus": 3,
            "node-ip-address": "127.0.0.1",
            "include-dashboard": "false",
            "include-log-monitor": "false",
            "object-store-memory": 100 << 20,
            "temp-dir": folder,
        }
        flags = [f"--{name}={value}" for name, value in options.items()]
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats"]
        log = Path(folder) / "start.log"
        with open(log, "wb") as output:
            process = subprocess.Popen([*command, *flags], stdout=output, stderr=output, start_new_session=True)
        try:
            wait(lambda: "--block" in log.read_text() or process.poll() is not None, "Ray")
            assert process.poll() is None, log.read_text()
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()  # which ends its cluster
            try:
                process.wait(timeout=PATIENCE)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
