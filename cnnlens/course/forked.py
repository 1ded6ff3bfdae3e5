"""Kernels that are forked from a process that has imported what lessons import, where started anew each imports it.

TensorFlow takes a process four seconds or more, a quarter of a short lesson. Not where there is a GPU, which no process
shares with the one that it was forked from; nor on macOS, whose libraries do not bear to be forked; nor on Windows.
"""

import multiprocessing
import os
import signal
import sys
from pathlib import Path

import matplotlib
import numpy as np
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

GPUS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # of NVIDIA, of AMD, of Windows below Linux
IMPORTED = ("cnnlens.device", "ipykernel.kernelapp", "sklearn.neighbors")
BACKEND = "module://matplotlib_inline.backend_inline"  # Matplotlib's in a kernel, which sets it before it is imported


def possible():
    """Whether kernels can be forked here."""
    return sys.platform == "linux" and not any(Path(each).exists() for each in GPUS)


def set_environment(values):
    """Make these all the variables there are: those of a process come from a server that may be older than they are."""
    os.environ.clear()
    os.environ.update(values)


class Spare:
    """A process that waits to be told which kernel it is to be; from then on it is asked as a ``Popen`` is.

    It is forked where it is made: in a process that has imported everything, and has no threads yet.

    Attributes
    ----------
    pid : int
    """

    stdin = stdout = stderr = None

    def __init__(self):
        context = multiprocessing.get_context("fork")
        receiver, self._sender = context.Pipe(duplex=False)
        self._process = context.Process(target=_become, args=(receiver, self._sender), daemon=True)
        self._process.start()
        receiver.close()
        self.pid = self._process.pid

    def launch(self, arguments, environment, folder):
        """Be a kernel with these arguments of ``ipykernel_launcher``, this environment and working folder."""
        self._sender.send((arguments, environment, folder))

    def poll(self):
        """With which code it ended; None as long as it runs."""
        return self._process.exitcode

    def wait(self):
        """Wait for its end; with which code it ended."""
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number):
        """Send it a signal."""
        os.kill(self.pid, number)


def _become(receiver, sender):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for who waits for the kernel
    sender.close()  # so that this process notices when the one that it was forked from dies
    try:
        arguments, environment, folder = receiver.recv()
    except EOFError:
        return
    from ipykernel.kernelapp import launch_new_instance

    multiprocessing.current_process().daemon = False  # or it could have no processes of its own
    np.random.seed()  # else each lesson draws what the others draw
    os.setsid()  # so that what the kernel starts ends with it
    os.chdir(folder)
    set_environment({"MPLBACKEND": BACKEND, **environment})
    matplotlib.rcParams["backend"] = os.environ["MPLBACKEND"]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    launch_new_instance([*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])


class Provisioner(LocalProvisioner):
    """Where a kernel comes from: a spare process; a kernel of another environment is started as ever.

    Parameters
    ----------
    spare : Spare
    **settings
        Of Jupyter's own provisioner, which does everything else.
    """

    def __init__(self, spare, **settings):
        super().__init__(**settings)
        self.spare = spare

    async def launch_kernel(self, cmd, **how):
        """Called by Jupyter's kernel manager."""
        program, arguments = cmd[:3], cmd[3:]
        if program != [sys.executable, "-m", "ipykernel_launcher"]:  # of another environment, say
            return await super().launch_kernel(cmd, **how)
        self.spare.launch(arguments, how["env"], how.get("cwd") or os.getcwd())
        self.process, self.pid, self.pgid = self.spare, self.spare.pid, self.spare.pid
        return self.connection_info


def manager():
    """A class of kernel managers, of which one can start one kernel; to ask for before this process has threads.

    Returns
    -------
    type
        As nbclient and papermill take it: ``kernel_manager_class``.
    """
    spare = Spare()

    class Manager(AsyncKernelManager):
        async def _async_pre_start_kernel(self, **how):
            self.provisioner = Provisioner(spare, kernel_spec=self.kernel_spec, parent=self)
            return await super()._async_pre_start_kernel(**how)

    return Manager
