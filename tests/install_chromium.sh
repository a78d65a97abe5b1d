#!/usr/bin/env bash
# Installs Debian's Chromium for the tests of pages, where there is none and packages may be
# installed. Elsewhere those tests are skipped with the reason, or, with CI=true, fail.
set -eu
for name in chromium chromium-browser google-chrome; do
  if command -v "$name" > /dev/null; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
  echo "Installing Chromium for the tests of pages." >&2
  apt-get update --quiet=2
  DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends chromium
fi
