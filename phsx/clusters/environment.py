"""The variables by which a job's script and its workers understand each other."""

#: When Slurm ends a job, in s since the epoch; newer versions say it.
ENDS = "SLURM_JOB_END_TIME"
#: When a job has begun, in s since the epoch, and how many seconds it has.
STARTED, WALLTIME = "PHSX_JOB_STARTED", "PHSX_WALLTIME"
