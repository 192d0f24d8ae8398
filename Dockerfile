# The tester, without the reference: docker build --tag createflow .
# docs/ci.md says how to run it. With the bundled stack: --build-arg EXTRAS=reference; deploy/ says how to run that.
FROM python:3.11-slim

# The releases that this version is tested with. Nothing is compiled: all of them are wheels.
COPY constraints.txt pyproject.toml README.md LICENSE /source/
COPY createflow /source/createflow
ARG EXTRAS=kafka,mysql,rabbitmq
RUN sed -E '/^ +--hash/d; s/ *\\$//' /source/constraints.txt > /source/releases.txt \
 && python -m pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --constraint /source/releases.txt \
    hatchling \
 && python -m pip install --no-cache-dir --disable-pip-version-check --no-build-isolation \
    --constraint /source/releases.txt "/source[${EXTRAS}]" \
 && rm -r /source \
 && useradd --create-home --uid 10001 createflow

# Profiles and reports are in the folder that is mounted there.
USER 10001
WORKDIR /work
ENTRYPOINT ["createflow"]
CMD ["--help"]
