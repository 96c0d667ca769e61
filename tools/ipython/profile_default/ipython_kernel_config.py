"""Settings of the course's kernels: what TensorFlow's C++ code logs stays out of the notebooks."""

c = get_config()  # noqa: F821
c.IPKernelApp.capture_fd_output = False
