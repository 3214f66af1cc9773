"""What the host takes for the images to predict."""

import importlib

import cv2
import paddle.distributed as dist

# What comes of an image that OpenCV or Pillow cannot read: None, which has no axes, or their own errors.
DECODING_ERRORS = (AssertionError, AttributeError, TypeError, ValueError, OSError, cv2.error)


def images_below(path):
    """The images that ``Engine.infer`` would take of a file or folder, in its order; none is an empty list."""
    module = importlib.import_module("ppcls.data.utils.get_image_list")
    try:
        return module.get_image_list(path)
    except Exception as error:
        if type(error) is not Exception:  # what it raises where it finds none
            raise
        return []


def images_of_this_process(path):
    """Those of them that fall to this process."""
    return images_below(path)[dist.get_rank() :: dist.get_world_size()]
