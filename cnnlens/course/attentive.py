"""A client of a kernel that does not miss its answer.

nbclient answers the messages of an Output widget on the channel on which it waits for the end of a cell. jupyter_client
(8.10) sends them past pyzmq's asyncio, which is then not woken by what came in the meantime: on a busy machine
a cell that prints into an Output now and then took as long as a cell may, minutes or hours, and only then went on.
"""

import time
from queue import Empty

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from traitlets import Type

PATIENCE = 1  # seconds between two looks at what came


class AttentiveChannel(AsyncZMQSocketChannel):
    """A channel that looks now and then instead of waiting to be woken."""

    async def get_msg(self, timeout=None):
        """The next message; ``queue.Empty`` if none comes within some seconds."""
        ends = float("inf") if timeout is None else time.monotonic() + timeout
        while True:
            try:
                return await super().get_msg(min(PATIENCE, max(0, ends - time.monotonic())))
            except Empty:
                if time.monotonic() >= ends:
                    raise


class AttentiveClient(AsyncKernelClient):
    """A client that waits for the end of a cell on such a channel."""

    shell_channel_class = Type(AttentiveChannel)
