# PostgreSQL with reco, on the official image.
#
#   docker build -t reco .
#   docker build -t reco --build-arg PG_MAJOR=16 .
#   docker run --rm -e POSTGRES_PASSWORD=secret -p 5432:5432 reco
#
# Then, in a database: CREATE EXTENSION reco;
ARG PG_MAJOR=17

FROM postgres:${PG_MAJOR}-bookworm AS build
ARG PG_MAJOR
RUN apt-get update && \
    apt-get install -y --no-install-recommends gcc libc6-dev make libopenblas-serial-dev \
      libgfortran-12-dev postgresql-server-dev-${PG_MAJOR}
COPY . /reco
WORKDIR /reco
RUN export PG_CONFIG=/usr/lib/postgresql/${PG_MAJOR}/bin/pg_config && \
    make clean && make -j"$(nproc)" && make install DESTDIR=/installed

FROM postgres:${PG_MAJOR}-bookworm
RUN apt-get update && \
    apt-get install -y --no-install-recommends libgomp1 && \
    rm -rf /var/lib/apt/lists/*
COPY --from=build /installed/ /
