# A library as a service:
#
#     docker build -t lookgraph .
#     docker run -p 8765:8765 -e LOOKGRAPH_TOKEN=… -v ~/Pictures:/pictures lookgraph
#
# and, 200 MB larger, as the app:
#
#     docker build -t lookgraph-app --build-arg EXTRAS=serve,faiss,app .
#     docker run -p 8501:8501 -e LOOKGRAPH_TOKEN=… -v ~/Pictures:/pictures lookgraph-app \
#         app /pictures --host 0.0.0.0
#
# The library is kept in /pictures/.lookgraph, so the user 1000 must be able to write there.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/lookgraph
COPY pyproject.toml README.md LICENSE ./
COPY lookgraph lookgraph
ARG EXTRAS=serve,faiss
RUN /opt/lookgraph/bin/pip install --no-cache-dir ".[$EXTRAS]"

FROM python:3.13-slim
RUN useradd --uid 1000 --create-home lookgraph
COPY --from=build /opt/lookgraph /opt/lookgraph
ENV PATH=/opt/lookgraph/bin:$PATH LOOKGRAPH_CACHE=/home/lookgraph/.cache PYTHONUNBUFFERED=1
USER lookgraph
VOLUME /home/lookgraph/.cache
EXPOSE 8765 8501
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD \
  python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8765/v1/health', timeout=4)" \
  || python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"
ENTRYPOINT ["lookgraph"]
CMD ["serve", "--host", "0.0.0.0", "--library", "/pictures"]
