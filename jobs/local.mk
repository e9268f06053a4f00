# Everything a user runs jobs with; installed as it stands.

jobsdir = $(pkgdatadir)/jobs
dist_jobs_DATA = %D%/README.md %D%/mpi-env.sh
dist_jobs_SCRIPTS = %D%/quickstart

configsdir = $(jobsdir)/configs
dist_configs_DATA = %D%/configs/fashion.ini %D%/configs/text.ini %D%/configs/torus.ini

EXTRA_DIST += %D%/setup.sh
