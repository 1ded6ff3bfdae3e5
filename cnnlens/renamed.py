"""Old names of arguments keep working where lessons or the design have named them."""

import functools
import warnings


def renamed(**names):
    """Decorator: a keyword argument given under its old name is passed on under its new one, with a warning.

    Parameters
    ----------
    **names : str
        The new name of each old one, such as ``batch="batch_size"``.
    """

    def decorate(function):
        @functools.wraps(function)
        def forward(*args, **kwargs):
            for old in names.keys() & kwargs.keys():
                warnings.warn(
                    f"{function.__name__}({old}=…) is now called {names[old]}.", DeprecationWarning, stacklevel=2
                )
                kwargs[names[old]] = kwargs.pop(old)
            return function(*args, **kwargs)

        return forward

    return decorate
