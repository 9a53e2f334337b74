# Makes or updates .venv and puts it on PATH. Sourced by the other scripts: . scripts/environment.sh run|dev
# shellcheck shell=bash

gatepost_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
gatepost_venv=$gatepost_root/.venv
gatepost_set=${1:?run or dev}

# A copy of the installed lock lies in .venv: equal, and made at this place, means that nothing is to be done.
gatepost_environment_is_fresh() {
  [ -x "$gatepost_venv/bin/python" ] &&
    cmp -s "$gatepost_root/requirements/$gatepost_set.txt" "$gatepost_venv/installed-$gatepost_set.txt" &&
    [ "$(cat "$gatepost_venv/made-at")" = "$gatepost_venv" ]
}

gatepost_find_python() {
  local candidate lacks_venv=
  for candidate in python3.14 python3.13 python3.12 python3.11 python3; do
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
      echo "$candidate"
      return
    fi
    lacks_venv=${lacks_venv:-$candidate}
  done
  if [ -n "$lacks_venv" ]; then
    echo "$lacks_venv cannot make virtual environments: install its venv module (on Debian and Ubuntu: apt-get install $lacks_venv-venv)." >&2
  else
    echo "Gatepost needs Python 3.11 or newer, with its venv module: install it so that python3 or python3.11 is on PATH." >&2
  fi
  return 1
}

if ! gatepost_environment_is_fresh; then
  gatepost_python=$(gatepost_find_python) || exit 1
  env -u PYTHONPATH -u PYTHONHOME "$gatepost_python" "$gatepost_root/scripts/install_requirements.py" "$gatepost_set" || exit 1
fi

unset PYTHONHOME
export VIRTUAL_ENV=$gatepost_venv
export PATH=$gatepost_venv/bin:$PATH
export PYTHONPATH=$gatepost_root:$gatepost_root/generated:$gatepost_root/clients/python/src
