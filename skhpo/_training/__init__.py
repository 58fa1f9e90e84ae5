"""The training engine: fits of one architecture share a compiled loop."""

from ._cache import clear_caches as clear_caches
from ._cache import get_cache_size as get_cache_size
from ._cache import set_cache_size as set_cache_size
from ._checkpoint import Checkpoint as Checkpoint
from ._checkpoint import fingerprint as fingerprint
from ._data import take as take
from ._devices import settle_into_worker as _settle_into_worker
from ._fit import PREDICT_BATCH_SIZE as PREDICT_BATCH_SIZE
from ._fit import predict as predict
from ._fit import train as train
from ._plan import Training as Training
from ._plan import plan as plan
from ._sketch import Sketch as Sketch
from ._sketch import sketch as sketch
from ._stopping import EarlyStopping as EarlyStopping
from ._stopping import is_better as is_better

_settle_into_worker()
