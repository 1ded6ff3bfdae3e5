"""The tasks of a plan on the workers of a Dask cluster; a worker gets the network and the plan once."""

import functools

from ..cluster import engine
from ..cluster.equipment import Sent
from .plan import Plan, Task
from .running import work


class Workers(engine.Workers):
    """The engine that lets workers fill a store.

    Parameters
    ----------
    connection : Connection
    net : Network
    plan : Plan
    """

    def __init__(self, connection, net, plan):
        def named(task):
            return f"{plan.layers[task.layer].path if task.layer >= 0 else 'images'}-{task.number}"

        super().__init__(connection, lambda: functools.partial(_prepared, Sent(net), plan.settings), _work, named)


def _prepared(sent, settings):
    return sent(), Plan(settings)


def _work(prepared, task, given):
    return work(*prepared, Task(*task), given)
