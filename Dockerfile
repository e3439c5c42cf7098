# ChatFlow as one image, for `web` and `migrate` of compose.yaml. What it writes goes to /data and
# /tmp, so its root can be read-only. .ci/prove_container.py takes these steps without Docker.

FROM python:3.11-slim-bookworm AS builder
WORKDIR /build
COPY requirements.txt ./
RUN python -m venv /opt/venv
RUN /opt/venv/bin/pip install --no-input --require-hashes -r requirements.txt

FROM python:3.11-slim-bookworm
# pg_dump and pg_restore, of the server's version: see postgres in compose.yaml
RUN apt-get update \
 && apt-get install -y --no-install-recommends postgresql-client-15 \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin chatflow \
 && install --directory --owner=10001 --group=10001 --mode=700 /data
COPY --from=builder /opt/venv /opt/venv
WORKDIR /app
# By name: what is forgotten here is missed at once, what an exclusion forgets is shipped.
COPY manage.py ./
COPY accounts accounts
COPY chatflow chatflow
COPY conversations conversations
COPY messaging messaging
COPY static static
COPY templates templates
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/data BIND=0.0.0.0 PORT=8000
RUN python -m compileall -q .
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "import http.client, os; it = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); it.request('GET', '/healthz'); raise SystemExit(it.getresponse().status != 200)"]
CMD ["python", "manage.py", "serve"]
