"""Engine: the methods with which an analyst runs, resumes, reviews and reports jobs."""

from leadflow.engine.engine import Engine as Engine
from leadflow.engine.engine import last_engine as last_engine
from leadflow.run.estimate import Estimate as Estimate
from leadflow.run.rescrub_start import RescrubEstimate as RescrubEstimate
