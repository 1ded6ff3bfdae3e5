"""What makes the library a course: profiles, the set-up of a lesson, checks of exercises, the runner."""

from .exercise import check, verdict
from .lesson import choose, setup
from .diary import progress

__all__ = ["check", "choose", "progress", "setup", "verdict"]
