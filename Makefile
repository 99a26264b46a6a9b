# The repository's own work; `make help` lists the targets.
# By the interpreter, since a ZIP keeps no execute bits.
ENVIRONMENT := python3 build/environment
PIPELINE := $(ENVIRONMENT) pipeline
DEV := $(ENVIRONMENT) dev
INFRA := $(ENVIRONMENT) infra
model ?= taxi
rows ?= 15002
workers ?= 2
INFRA_TESTS := tests/infra tests/standins
PIPELINE_TESTS := tests/pipeline tests/models tests/settings tests/build tests/hostile
infra_part = $(filter $(addsuffix %,$(INFRA_TESTS)),$(only))
pipeline_part = $(filter-out $(infra_part),$(only))

# A user's shell decides nothing here: `python3 -m` needs the folder it is called in.
unexport PYTHONPATH PYTHONSAFEPATH PYTHONHOME PYTHONWARNINGS PYTHONOPTIMIZE

.PHONY: help run test theirs check style format lock experiments bench bench-time \
  bench-delivery synth policy inventories plan plan-comment deploy bootstrap teardown identity \
  stages values own shipped doctor probe load-data rehearse-infra bench-synth provider-schema \
  hostile provider-lock pins image bench-swaps bench-overload soak bench-serve bench-monitor loop \
  bench-determinism bench-import bench-runs reproduce-all

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

run: ## train, judge and publish a model here (model=taxi)
	python3 -m pipeline run $(model)

test: node_modules ## every check and every test, preparing what they need (only=tests/infra runs a part)
ifdef only
	$(if $(infra_part),$(INFRA) python -m pytest $(infra_part))
	$(if $(pipeline_part),$(PIPELINE) python -m pytest $(pipeline_part))
else
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory policy
	$(INFRA) python -m pytest $(INFRA_TESTS)
	$(PIPELINE) python -m pytest --numprocesses $(workers) --dist loadfile --no-loadscope-reorder --ignore tests/build/test_image.py \
	  $(PIPELINE_TESTS)
endif

loop: ## drift, a retraining, and a model that is better for it, without a cloud (up to 9 minutes)
	@cd tests/team && PYTHONPATH=$(CURDIR) python3 $(CURDIR)/build/environment pipeline python -m tests.loop

theirs: ## `make test` in a clone with values and models of its own
	rm -rf .theirs && python3 -m tests.pipeline.scenarios.stranger .theirs/clone
	$(MAKE) -C .theirs/clone test

hostile: ## generated inputs of every kind, each to end in an answer or one sentence (seed=7 only=KIND:NUMBER repeat one)
	cd tests/team && PYTHONPATH=$(CURDIR) python3 $(CURDIR)/build/environment pipeline python -m tests.hostile \
	  $(if $(seed),--seed $(seed)) $(if $(only),--only $(only))

check: ## the fast half: lint, format, types, imports, and that the lock is Pipfile's
	$(DEV) ruff check .
	$(DEV) ruff format --check .
	$(DEV) mypy
	$(DEV) lint-imports
	$(DEV) python build/lock --check
	$(DEV) actionlint .github/workflows/*.yml
	$(DEV) zizmor --offline --quiet .github

style: ## how the code reads, ours beside that of libraries
	@$(PIPELINE) python build/style

format: ## let ruff fix what it can
	$(DEV) ruff check --fix .
	$(DEV) ruff format .

lock: ## renew Pipfile.lock from Pipfile, with hashes and without an index
	$(DEV) python build/lock

node_modules: package-lock.json
	npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

synth: ## synthesize every stack of every stage into cdktf.out
	$(INFRA) python -m infra

policy: synth ## what no stack may hold, and checkov with its waivers
	$(INFRA) python -m infra.policy.judgement cdktf.out --json cdktf.out/policy.json

inventories: ## renew tests/infra/stacks/inventories, to be reviewed as a diff
	cd tests/team && PYTHONPATH=$(CURDIR) python3 $(CURDIR)/build/environment infra python -m tests.infra.stacks.inventory

plan: synth ## what a deploy would change (env=dev; out=DIR writes the plans, lock=false takes no lock)
	$(INFRA) python -m infra.deploy.operations plan --env '$(env)' $(if $(lock),--lock $(lock)) $(if $(out),--out '$(out)')

plan-comment: ## the comment of a pull request, from what `make plan out=DIR` wrote (out=plans)
	@python3 -m infra.review.plan_comment '$(or $(out),plans)' $(if $(policy),--policy '$(policy)')

deploy: synth ## apply every stack but bootstrap (env=dev; expect=FILE applies only what was approved)
	$(INFRA) python -m infra.deploy.operations deploy --env '$(env)' $(if $(expect),--expect '$(expect)')

bootstrap: synth ## the state's bucket and CI's identities, once, by a person (env=dev)
	$(INFRA) python -m infra.deploy.operations bootstrap --env '$(env)'

teardown: synth ## destroy every stack but bootstrap (env=dev); refused where the stage is kept
	$(INFRA) python -m infra.deploy.operations teardown --env '$(env)'

identity: ## by which provider and account GitHub's jobs act (env=dev role=planner)
	@python3 -m infra.identity '$(env)' '$(role)'

stages: ## the stages in the order in which they are applied, for GitHub's jobs
	@python3 -m infra.stage_order

values: ## renew the list of all values in the docstring of environments.py
	@python3 build/values

own: ## what this clone has changed outside of environments.py, models/ and prices.toml
	@python3 build/own

shipped: ## take all files as they are for the shipped ones that `make own` compares with
	@python3 build/own --renew

doctor: ## what is missing before the first deploy, and what fixes it (env=dev; as=builder asks what this account lacks)
	@$(INFRA) python -m infra.doctor.diagnosis --env '$(env)' $(if $(as),--as '$(as)')

probe: ## ask the real project what no document answers (env=dev; yes=1 makes what is billed, too)
	@$(INFRA) python -m infra.probe --env '$(env)' $(if $(filter 1,$(yes)),--yes)

load-data: ## fill the tables that models train on, from the data they have here (env=dev)
	@python3 -m pipeline load-data --env '$(env)'

rehearse-infra: node_modules ## deploy a stage here: Terraform, cdktf and a state server are real, the cloud is not
	$(INFRA) python -m pytest tests/infra/deploy/test_rehearsal.py --verbose -s

bench-synth: ## time a synth with the provider's package imported the ordinary way and ours in turn
	$(INFRA) python -m tests.bench.synth

provider-schema: ## record the google provider's schema for its stand-in (types="google_X ...", from TF_PROVIDER_MIRROR or the registry)
	$(INFRA) python -m tests.standins.terraform.renew_schema $(types)

provider-lock: synth ## renew infra/terraform.lock.hcl, the hashes of the google provider, from the registry
	cd "$$(dirname "$$(ls cdktf.out/stacks/*/cdk.tf.json | head -1)")" && rm .terraform.lock.hcl && \
	terraform providers lock $(foreach platform,linux_amd64 linux_arm64 darwin_amd64 darwin_arm64,-platform=$(platform)) && \
	cp .terraform.lock.hcl $(CURDIR)/infra/terraform.lock.hcl

pins: ## name the images of others in build/*.yaml by their digests, asked of their registries
	@python3 build/pins

image: ## build the images here, print their sizes, and have them train and answer
	python3 build/image
	$(PIPELINE) python -m pytest tests/build/test_image.py

experiments: ## open the records of all runs in mlflow's pages (port=5000)
	@mkdir -p runs
	cd runs && python3 ../build/environment experiments mlflow server --backend-store-uri sqlite:///mlflow.db --workers 1 \
	  --host 127.0.0.1 --port $(or $(port),5000)

bench: ## time the stock taxi example and ours in turn (rows=15002)
	$(PIPELINE) python -m tests.bench.taxi --rows $(rows)

bench-swaps: ## twenty newly published versions swapped in at half of the server's peak
	$(PIPELINE) python -m tests.bench.swaps

bench-overload: ## three times the peak of a server whose model takes 20 ms a batch (seconds=60)
	$(PIPELINE) python -m tests.bench.overload --seconds $(or $(seconds),60)

soak: ## a logging server at half of its peak through hostile requests, an outage, swaps and restarts (seconds=600)
	$(PIPELINE) python -m tests.load.soak --seconds $(or $(seconds),600)

bench-delivery: ## time the delivery of a model's edit and of everything, images built from nothing, in turn (20 minutes)
	python3 -m tests.bench.delivery

bench-time: ## the flights model asked about months after those it was trained on
	$(PIPELINE) python -m tests.bench.flights_by_time

bench-determinism: ## which steps of two trainings are bit-equal, and what that costs (model=taxi rounds=3)
	$(PIPELINE) python -m tests.bench.determinism --model '$(model)' --rounds $(or $(rounds),3)

bench-import: ## one exported run of a million points imported (points=1000000)
	@$(PIPELINE) python -m tests.bench.imports --points $(or $(points),1000000)

reproduce-all: ## make every model again, also from a dirty checkout, a cached run and its compiled job
	$(PIPELINE) python -m tests.bench.reproduction

bench-serve: ## our server beside Vertex's custom prediction routines and FastAPI (rounds=5 seconds=3 model=FOLDER before=COMMIT)
	python3 -m tests.bench.serving $(foreach option,rounds seconds before,$(if $($(option)),--$(option) $($(option)))) \
	  $(if $(filter /%,$(model)),--model '$(model)')

bench-monitor: ## a day of 1,000,000 logged instances from the raw log to the verdict, beside Evidently (instances=1000000)
	@$(PIPELINE) python -m tests.bench.monitor --instances $(or $(instances),1000000)

bench-runs: ## 5,000 runs listed here, with the index and without it, and of a stage (runs=5000)
	@cd tests/team && PYTHONPATH=$(CURDIR) python3 $(CURDIR)/build/environment pipeline \
	  python -m tests.bench.runs --runs $(or $(runs),5000)
