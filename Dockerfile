# Image of the two workers; docker-compose.yml says which of them runs.
FROM node:24-bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates openssh-client \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/mvc
COPY package.json package-lock.json .npmrc ./
# No install script is needed here: the image brings Node, and the database is a server of its own.
RUN npm ci --omit=dev --ignore-scripts
COPY src ./src
# The texts of `mvc help` and `mvc explain`.
COPY docs ./docs
RUN install --directory --owner node --group node --mode 0700 /var/lib/mvc
USER node
ENV MVC_HOME=/var/lib/mvc
ENTRYPOINT ["node"]
CMD ["src/workers/control-worker.ts"]
