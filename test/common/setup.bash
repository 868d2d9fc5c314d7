# Sourced by the scripts that fetch client libraries. They set `here`, their folder, and `cache`, where everything goes; both
# outlive this.
tools=$(cd "$here/../../tools" && pwd)
mkdir -p "$cache"

say() { echo "setup: $*"; }

# One part of the cache is whole when its stamp holds the hash of what defines it.
fresh() {  # part, files that define it...
  local part=$1; shift
  wanted=$(cat "$@" | sha256sum)
  [[ -e $cache/$part.stamp && $(<"$cache/$part.stamp") == "$wanted" ]]
}
done_with() { echo "$wanted" > "$cache/$1.stamp"; }

# Adds what compilers and package managers of clients lack to the array `missing`.
need_languages() {
  command -v javac > /dev/null || missing+=(default-jdk-headless)
  command -v mvn > /dev/null || missing+=(maven)
  command -v node > /dev/null || missing+=(nodejs)
  command -v npm > /dev/null || missing+=(npm)
  command -v go > /dev/null || missing+=(golang-go)
  python3 -c "import ensurepip" 2> /dev/null || missing+=(python3-venv)
}

install_missing() {
  [[ ${#missing[@]} -eq 0 ]] && return
  say "apt-get install ${missing[*]}"
  local sudo=()
  [[ $EUID -eq 0 ]] || sudo=(sudo)
  "${sudo[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
}

python_libraries() {  # part, requirements, folder
  fresh "$1" "$2" && return
  say "Python libraries: $(grep -v '^#' "$2" | tr '\n' ' ')"
  rm -rf "${cache:?}/$3"
  python3 -m venv "$cache/$3"
  "$cache/$3/bin/pip" install --quiet --disable-pip-version-check -r "$2"
  done_with "$1"
}

# A folder of Java: its libraries by Maven, its classes if it has any.
java_program() {  # name, folder, flags for Maven...
  local name=$1 from=$2 dir="$cache/$1" sources
  shift 2
  mapfile -t sources < <(find "$from" -name '*.java')
  fresh "$name" "$from/pom.xml" "${sources[@]}" && return
  say "Java: $name"
  rm -rf "$dir"
  mkdir -p "$dir/classes"
  cp "$from/pom.xml" "$dir/pom.xml"
  mvn -B -q -f "$dir/pom.xml" "$@" dependency:copy-dependencies -DoutputDirectory="$dir/libs" -DincludeScope=runtime
  [[ ${#sources[@]} -eq 0 ]] || javac -nowarn -parameters -cp "$dir/libs/*" -d "$dir/classes" "${sources[@]}"
  done_with "$name"
}

node_libraries() {  # name, folder with its package.json
  fresh "$1" "$2/package.json" && return
  say "JavaScript: $1"
  mkdir -p "$cache/$1"
  cp "$2/package.json" "$cache/$1/"
  (cd "$cache/$1" && npm install --silent --no-audit --no-fund)
  done_with "$1"
}

go_program() {  # part, folder, program to make
  fresh "$1" "$2/go.mod" "$2/go.sum" "$2/main.go" && return
  say "Go: $1"
  (cd "$2" && "$tools/go" build -o "$cache/$3" .)
  done_with "$1"
}
