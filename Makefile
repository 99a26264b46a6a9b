# The repository's own work, one line a target; `make help` lists them.
PIPELINE := build/environment pipeline
DEV := build/environment dev
model ?= taxi
rows ?= 15002

.PHONY: help run test check format lock experiments bench bench-time

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

run: ## train, judge and publish a model here (model=taxi)
	python3 -m pipeline run $(model)

test: ## every check and every test, preparing what they need
	@$(MAKE) --no-print-directory check
	$(PIPELINE) python -m pytest

check: ## the fast half: lint, format, types, imports, and that the lock is Pipfile's
	$(DEV) ruff check .
	$(DEV) ruff format --check .
	$(DEV) mypy
	$(DEV) lint-imports
	$(DEV) build/lock --check
	$(DEV) actionlint
	$(DEV) zizmor --offline --quiet .github

format: ## let ruff mend what it can
	$(DEV) ruff check --fix .
	$(DEV) ruff format .

lock: ## renew Pipfile.lock from Pipfile, with hashes and without an index
	$(DEV) build/lock

experiments: ## open the records of all runs in mlflow's pages (port=5000)
	@mkdir -p runs
	build/environment experiments mlflow server --backend-store-uri sqlite:///$(CURDIR)/runs/mlflow.db --workers 1 --host 127.0.0.1 --port $(or $(port),5000)

bench: ## time the stock taxi example and ours in turn (rows=15002)
	$(PIPELINE) python -m tests.bench.taxi --rows $(rows)

bench-time: ## the flights model asked about months after those it was trained on
	$(PIPELINE) python -m tests.bench.flights_by_time
