# One image for web, worker and watcher: what each does is its command in docker-compose.yml, and so is its health check.
# Elasticsearch, Java and Redis (the extra `local`) are not in it: they are services of their own there.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY indexer indexer
COPY mappings mappings
COPY local local
RUN pip wheel --no-deps --wheel-dir /wheel . \
    && python -m venv /opt/dicomsearch \
    && /opt/dicomsearch/bin/pip install /wheel/*.whl

FROM python:3.11-slim-bookworm
# A number, not only a name: a host can give the files of the watched folder to it.
RUN groupadd --gid 10001 dicomsearch \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/dicomsearch --shell /usr/sbin/nologin dicomsearch \
    && install -d -o dicomsearch -g dicomsearch /var/lib/dicomsearch
COPY --from=build /opt/dicomsearch /opt/dicomsearch
ENV PATH=/opt/dicomsearch/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DICOMSEARCH_HOME=/var/lib/dicomsearch
WORKDIR /var/lib/dicomsearch
USER 10001:10001
CMD ["dicomsearch", "--help"]
