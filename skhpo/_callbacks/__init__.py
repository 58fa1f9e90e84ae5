"""scikit-learn's callbacks, for fits and for searches.

scikit-learn marks their interface experimental: it is known here, what it keeps to
itself in `_compat`, and nowhere else.
"""

from ._fit_task import CallbackSupportMixin as CallbackSupportMixin
from ._fit_task import FitTask as FitTask
from ._fit_task import with_callbacks as with_callbacks
from ._reports import CandidateReport as CandidateReport
from ._reports import FitReport as FitReport
from ._reports import SearchReport as SearchReport
from ._search_listener import SearchListener as SearchListener
from ._search_listener import objective_of as objective_of
from ._search_tasks import RootContext as RootContext
from ._search_tasks import SearchTasks as SearchTasks
from ._search_tasks import WithinSearchMixin as WithinSearchMixin
