# One image for web, worker, watcher, Flower and the steps that set things up: what each does is its command in
# docker-compose.yml, and so is its health check. Elasticsearch, Java and Redis (the extra `local`) are not in it: they are
# services of their own there. Images are pinned to an exact version; docs/deploy.md says how to pin a digest.

FROM python:3.11.15-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY indexer indexer
COPY mappings mappings
COPY local local
RUN pip wheel --no-deps --wheel-dir /wheel . \
    && python -m venv /opt/dicomsearch \
    && /opt/dicomsearch/bin/pip install "$(echo /wheel/*.whl)[monitoring]"

FROM python:3.11.15-slim-bookworm
# A number, not only a name: a host can give the files of the watched folder to it. The folders below /setup are volumes:
# a new one gets owner and rights from here. The group is that of Elasticsearch in its image, which reads its files there;
# the folder of snapshots is Elasticsearch's own.
RUN groupadd --gid 10001 dicomsearch \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/dicomsearch --shell /usr/sbin/nologin dicomsearch \
    && install -d -o 10001 -g 10001 /var/lib/dicomsearch \
    && install -d -o 10001 -g 0 -m 0700 /setup/authority \
    && install -d -o 10001 -g 0 -m 0755 /setup/trust \
    && install -d -o 10001 -g 0 -m 0750 /setup/nginx /setup/elasticsearch /setup/kibana \
    && install -d -o 1000 -g 0 -m 0770 /setup/snapshots
COPY --from=build /opt/dicomsearch /opt/dicomsearch
ENV PATH=/opt/dicomsearch/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DICOMSEARCH_HOME=/var/lib/dicomsearch
WORKDIR /var/lib/dicomsearch
USER 10001:10001
CMD ["dicomsearch", "--help"]
