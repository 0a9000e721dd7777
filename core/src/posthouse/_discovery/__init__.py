"""Find plugins through entry points, and say of each whether it may be used.

Core reads the entry points itself: pluggy's own loader skips a second plugin of the same name without a word and stops
at the first broken one. Nothing is imported here; `Candidate.load` imports a plugin when an account needs it.

==============  ==========================================================================================
`installed`     what is installed: metadata folders → distributions
`candidates`    a plugin, its state, and importing it
`policy`        deny, allow, version, API, lock, conflict
`registry`      all of it together: the plugin for a kind
`modules`       where a module would be imported from
`contents`      the files of a distribution, and their hashes
`lock`          what is locked, and comparing with it
`lockfile`      the file that it stands in
`probing`       importing in a process of its own, which may hang or crash
`requirements`  what a distribution requires, against what is installed
`lookalikes`    names that can be taken for others
`health`        everything that is wrong with what is installed
==============  ==========================================================================================
"""

from __future__ import annotations

from posthouse._discovery.candidates import Candidate, State, as_dict
from posthouse._discovery.registry import Registry

__all__ = ["Candidate", "Registry", "State", "as_dict"]
