#!/bin/sh
# Does on a Linux VM what the extension does, where no extension type is published: Run Command, Custom Script and VM
# Applications call it, and so can a person. It reads variables, from the environment or assigned above this text:
#   packageUri         the package: an https URL, or a file on this VM
#   packageSha256      SHA-256 of the package; nothing of it runs before that is verified
#   settings           the settings as JSON, in base64; without them it diagnoses and changes nothing
#   protectedSettings  the protected settings as JSON, in base64
#   action             apply (unless given), or remove
# Prints the status message that the extension would report. Exit code: 0; 1 something is left, with failOnUnresolved
# alone; 3 it could not work; 4 the settings are wrong. It puts secrets on no command line and into no file.
set -u
umask 077
PATH=/usr/sbin:/usr/bin:/sbin:/bin
uri=${packageUri-} sha256=${packageSha256-} public=${settings-} secret=${protectedSettings-} todo=${action:-apply}
unset packageUri packageSha256 settings protectedSettings action  # no other program gets them
folder=/opt/backup-remediation
program=$folder/backup-remediation
new=
longest=1800  # seconds; the program itself begins no repair after 14 minutes

fail() {
    echo "backup-remediation: $*" >&2
    exit 3
}

has() { command -v "$1" >/dev/null 2>&1; }

# The address may carry a key, so it goes to standard input and stands on no command line.
download() {
    case $uri in *[!A-Za-z0-9:/?#@!\$\&\(\)*+,\;=._~%-]*) fail "packageUri: has a character that no URL has" ;; esac
    if has curl; then
        printf 'url = "%s"\n' "$uri" | curl --config - --fail --silent --show-error --location --proto =https \
            --retry 3 --connect-timeout 30 --max-time 600 --output "$1"
    elif has wget && wget --version >/dev/null 2>&1; then  # busybox has another one
        printf '%s\n' "$uri" | wget --quiet --https-only --timeout=30 --tries=3 --output-document="$1" --input-file=-
    elif has python3; then
        printf '%s' "$uri" | python3 -I -c 'import shutil, sys, urllib.request
with urllib.request.urlopen(sys.stdin.read(), timeout=30) as answer, open(sys.argv[1], "wb") as file:
    shutil.copyfileobj(answer, file)' "$1"
    else
        fail "expected curl, wget or python3, to download with; or give a file on this VM as packageUri"
    fi || fail "the package could not be downloaded from ${uri%%\?*}"
}

# MEMBER: prints it out of the package $new/package.
unpack() {
    if has unzip; then
        unzip -p "$new/package" "$1"
    elif has python3; then
        python3 -I -c 'import sys, zipfile
sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' "$new/package" "$1"
    elif has bsdtar; then
        bsdtar -xOf "$new/package" "$1"
    elif has busybox; then
        busybox unzip -p "$new/package" "$1"
    else
        fail "expected unzip, python3, bsdtar or busybox, to unpack the package with"
    fi
}

# Puts the program of the package into $folder, unless it is there.
install_program() {
    case $sha256 in *[!0-9A-Fa-f]* | '') fail "packageSha256: expected 64 hexadecimal digits" ;; esac
    [ ${#sha256} -eq 64 ] || fail "packageSha256: expected 64 hexadecimal digits"
    sha256=$(printf %s "$sha256" | tr A-F a-f)
    case $(uname -m) in
        x86_64) architecture=x86_64 ;;
        aarch64) architecture=aarch64 ;;
        *) fail "this processor, $(uname -m), is none that there is a program for (x86_64, aarch64)" ;;
    esac
    mkdir -p "$folder" || fail "$folder: cannot be made"
    { [ ! -L "$folder" ] && [ -z "$(find "$folder" -maxdepth 0 ! -user 0)" ]; } ||
        fail "$folder: expected a folder of root's; remove what is there and try again"
    chmod 755 "$folder"
    [ "$(cat "$folder/package.sha256" 2>/dev/null)" = "$sha256" ] && [ -x "$program" ] && return

    new=$(mktemp -d "$folder/new.XXXXXX") || fail "$folder: cannot be written to"
    trap 'rm -rf "$new"' EXIT
    trap 'exit 3' HUP INT TERM
    case $uri in
        https://*) download "$new/package" ;;
        *://*) fail "packageUri: expected https:// or a file" ;;
        *) { [ -f "$uri" ] && cp -- "$uri" "$new/package"; } || fail "packageUri: \"$uri\" is no file that can be read" ;;
    esac
    found=$(sha256sum "$new/package" | cut -d ' ' -f 1)
    [ "$found" = "$sha256" ] || fail "the package is not the one that was asked for: its SHA-256 is $found, not $sha256"
    unpack "bin/$architecture/backup-remediation" >"$new/program" || fail "the package could not be unpacked"
    chmod 755 "$new/program"
    "$new/program" --version >/dev/null || fail "$folder: a program there cannot be started"
    mv -f "$new/program" "$program" || fail "$program: cannot be written"
    printf '%s\n' "$sha256" >"$folder/package.sha256"
    rm -rf "$new"
}

# NAME TEXT: the text out of base64; {} where there is none.
decoded() {
    if [ -z "$2" ]; then
        echo '{}'
    else
        printf %s "$2" | base64 -d 2>/dev/null || { echo "backup-remediation: $1: expected base64 of a JSON object" >&2 && exit 4; }
    fi
}

# In a unit of its own where there is systemd: a repair may restart the guest agent, which this script is a child of.
# shellcheck disable=SC2016  # the inner shell expands what is quoted
in_own_unit() {
    systemd-run --quiet --pipe --wait --collect --property="RuntimeMaxSec=$longest" \
        /bin/sh -c 'exec "$0" "$1"' "$program" "$1"  # a shell, because SELinux lets systemd start few other files
}

[ "$(id -u)" -eq 0 ] || fail "expected to be run as root"
case $todo in
    apply) ;;
    remove)
        if [ -x "$program" ]; then "$program" clean-up || exit; fi
        rm -rf "$folder"
        echo "backup-remediation was removed."
        exit
        ;;
    *) fail "action: expected apply or remove, found \"$todo\"" ;;
esac
public=$(decoded settings "$public") && secret=$(decoded protectedSettings "$secret") || exit 4
install_program
if [ -d /run/systemd/system ] && in_own_unit --version </dev/null >/dev/null 2>&1; then
    printf '{"publicSettings": %s, "protectedSettings": %s}' "$public" "$secret" | in_own_unit apply
else
    printf '{"publicSettings": %s, "protectedSettings": %s}' "$public" "$secret" |
        timeout -k 10 "$longest" "$program" apply
fi
