#!/usr/bin/env bash
# Installs Debian's Java and Maven for the tests against a real Neo4j, where they are missing and
# packages may be installed. Elsewhere those tests are skipped with the reason, or, with CI=true,
# fail.
set -eu
if command -v java > /dev/null && command -v mvn > /dev/null; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
  echo "Installing Java and Maven for the tests against Neo4j." >&2
  apt-get update --quiet=2
  DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends \
    default-jre-headless maven
fi
