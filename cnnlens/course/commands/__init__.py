"""A file a command; and the options that several have."""


def workers_options(command):
    """Add the options with which work is divided among processes or machines."""
    option = command.add_argument
    option("--workers", type=int, metavar="N", help="do the work in so many processes, or one a GPU, by Dask")
    option("--cluster", metavar="ADDRESS", help="let the workers of this Dask scheduler do it: tcp://10.0.0.1:8786")
