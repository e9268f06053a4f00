# Everything a user runs jobs with; installed as it stands.

jobsdir = $(pkgdatadir)/jobs
dist_jobs_DATA = \
	%D%/README.md \
	%D%/analyze.sbatch \
	%D%/census.sbatch \
	%D%/mpi-env.sh \
	%D%/site.sh \
	%D%/train.sbatch
dist_jobs_SCRIPTS = %D%/quickstart %D%/sweep

configsdir = $(jobsdir)/configs
dist_configs_DATA = %D%/configs/fashion.ini %D%/configs/text.ini %D%/configs/torus.ini

EXTRA_DIST += %D%/setup.sh
