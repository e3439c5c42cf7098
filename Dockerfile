# The image of `web` and `migrate` in compose.yaml. It writes only to /data and /tmp, so that its root
# file system can be read-only.

FROM python:3.13-slim-trixie AS builder
WORKDIR /build
COPY requirements.txt ./
RUN python -m venv /opt/venv
RUN /opt/venv/bin/pip install --no-input --require-hashes -r requirements.txt

FROM python:3.13-slim-trixie
# pg_dump and pg_restore of the same version as postgres in compose.yaml
RUN apt-get update \
 && apt-get install -y --no-install-recommends postgresql-client-17 \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin chatflow \
 && install --directory --owner=10001 --group=10001 --mode=700 /data
COPY --from=builder /opt/venv /opt/venv
WORKDIR /app
# Listed by name: a forgotten directory is noticed at once, a forgotten exclusion would be shipped.
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
