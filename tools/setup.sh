# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
#
# What demo.sh, test.sh and the Makefile share: which programs and libraries are needed, how to get them, how to
# configure and build. To be sourced by a POSIX shell in the project's folder; says what it does on standard error.

# One need a line: a test, then package names for apt, dnf, pacman, apk and brew (a comma separates several, - = none).
#   cc           a C compiler that finds the C library's headers
#   cmd:NAME     a program in the path
#   py:NAME      a module of Python
#   pc:NAME      a library that pkg-config knows, at least of the version after >=
#   h:NAME       a header that the C compiler finds
#   f:PATH       a file
build_needs='
cc              gcc,libc6-dev   gcc,glibc-devel     gcc         gcc,musl-dev  gcc
cmd:meson       meson           meson               meson       meson         meson
cmd:ninja       ninja-build     ninja-build         ninja       ninja         ninja
cmd:pkg-config  pkg-config      pkgconf-pkg-config  pkgconf     pkgconf       pkgconf
pc:vips>=8.14   libvips-dev     vips-devel          libvips     vips-dev      vips
pc:jansson      libjansson-dev  jansson-devel       jansson     jansson-dev   jansson
pc:kissfft-float libkissfft-dev kiss-fft-devel      kissfft     kissfft-dev   kissfft
pc:zlib         zlib1g-dev      zlib-devel          zlib        zlib-dev      zlib
cmd:python3     python3         python3             python      python3       python3
'
test_needs='
pc:cmocka       libcmocka-dev   libcmocka-devel     cmocka      cmocka-dev    cmocka
cmd:gcc         gcc             gcc                 gcc         gcc           gcc
cmd:clang       clang           clang               clang       clang         llvm
cmd:scdoc       scdoc           scdoc               scdoc       scdoc         scdoc
'
# What the tests on evaluation pictures (FOVEA_TEST_DATA) need besides.
data_needs='
py:numpy        python3-numpy   python3-numpy       python-numpy  py3-numpy   numpy
cmd:vips        libvips-tools   vips-tools          libvips     vips-tools    vips
'
# Good to have for the tests, not refused without: the one version of clang-format that the sources were formatted with,
# the shells whose completions are tried, two ways to load the module for libvips, and a browser
# without a window, with its driver, for the pages; the compiler for 64-bit ARM and what runs its programs.
extra_needs='
cmd:clang-format-14  clang-format-14  -  -  -  -
cmd:parallel    parallel        parallel            parallel    parallel      parallel
cmd:mpirun      openmpi-bin     openmpi             openmpi     openmpi       open-mpi
cmd:exiftool    libimage-exiftool-perl  -  -  -  -
cmd:identify    imagemagick     -           -           -             -
cmd:pngcheck    pngcheck        -           -           -             -
cmd:vipsheader  libvips-tools   -           -           -             -
cmd:zsh         zsh             zsh                 zsh         zsh           zsh
cmd:fish        fish            fish                fish        fish          fish
cmd:vips        libvips-tools   vips-tools          libvips     vips-tools    vips
py:gi           python3-gi,gir1.2-vips-8.0  -       -           -             -
cmd:aarch64-linux-gnu-gcc  gcc-aarch64-linux-gnu,libc6-dev-arm64-cross  -  -  -  -
cmd:qemu-aarch64 qemu-user      -           -           -             -
cmd:chromium    chromium        chromium            chromium    chromium      -
cmd:chromedriver chromium-driver chromedriver       chromium    chromium-chromedriver  -
'
# Whom the benchmarks compare with, where the release has them, and the photo that quality is measured on.
bench_needs='
pc:zimg         libzimg-dev     zimg-devel          zimg        zimg-dev      zimg
pc:libswscale   libswscale-dev  ffmpeg-devel        ffmpeg      ffmpeg-dev    ffmpeg
cmd:ffmpeg      ffmpeg          ffmpeg              ffmpeg      ffmpeg        ffmpeg
cmd:vips        libvips-tools   vips-tools          libvips     vips-tools    vips
cmd:convert     imagemagick     ImageMagick         imagemagick imagemagick   imagemagick
py:cv2          python3-opencv  python3-opencv      -           py3-opencv    -
h:dnnl.h        libdnnl-dev     onednn-devel        onednn      onednn-dev    -
cmd:npm         npm             npm                 npm         npm           npm
f:/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg python-matplotlib-data - - - -
'

say()
{
    printf '%s\n' "$*" >&2
}

die()
{
    say "fovea: $*"
    exit 1
}

# need_met TEST: does the machine have it already?
need_met()
{
    case $1 in
    cc) echo '#include <stdio.h>' | cc -E -o /dev/null - 2>/dev/null ;;
    py:*) python3 -c "import ${1#py:}" 2>/dev/null || /usr/bin/python3 -c "import ${1#py:}" 2>/dev/null ;;
    cmd:*) command -v "${1#cmd:}" >/dev/null 2>&1 ;;
    pc:*">="*) need_name=${1#pc:} && pkg-config --atleast-version="${need_name#*>=}" "${need_name%%>=*}" 2>/dev/null ;;
    h:*) echo "#include <${1#h:}>" | cc -E -o /dev/null - 2>/dev/null ;;
    f:*) [ -f "${1#f:}" ] ;;
    pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
    esac
}

# missing_packages MANAGER NEEDS: names of the packages for the needs that are not met, one line.
missing_packages()
{
    printf '%s\n' "$2" | while read -r need apt dnf pacman apk brew; do
        if [ -z "$need" ] || need_met "$need"; then
            continue
        fi
        case $1 in
        apt) names=$apt ;;
        dnf) names=$dnf ;;
        pacman) names=$pacman ;;
        apk) names=$apk ;;
        brew) names=$brew ;;
        esac
        [ "$names" = - ] || printf '%s ' "$names" | tr ',' ' '
    done
}

# unmet NEEDS: the tests that still fail, one line.
unmet()
{
    printf '%s\n' "$1" | while read -r need rest; do
        if [ -n "$need" ] && ! need_met "$need"; then
            echo "${need#*:}"
        fi
    done | tr '\n' ' '
}

as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# quiet COMMAND...: its words are shown only if it fails.
quiet()
{
    quiet_log=$(mktemp) || die "cannot make a temporary file"
    quiet_code=0
    "$@" >"$quiet_log" 2>&1 </dev/null || quiet_code=$?
    [ "$quiet_code" = 0 ] || tail -n 100 "$quiet_log" >&2
    rm -f "$quiet_log"
    return "$quiet_code"
}

# apt_install PACKAGE...: refresh the lists and install without recommended extras.
apt_install()
{
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1 ||
        die "some packages are missing. Please run as root: apt-get install --no-install-recommends $*"
    say "Installing with apt: $*"
    quiet as_root apt-get -q update &&
        quiet as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "$@"
}

package_manager()
{
    for tool in apt-get dnf pacman apk brew; do
        if command -v "$tool" >/dev/null 2>&1; then
            echo "${tool%-get}"
            return
        fi
    done
}

# require NEEDS [EXTRA]: install what is missing where that is apt's business; else say which packages to install.
# What only EXTRA names is installed if the release has it, and not missed otherwise.
require()
{
    manager=$(package_manager)
    wanted=$(missing_packages "${manager:-none}" "$1")
    case $manager in
    apt)
        # shellcheck disable=SC2086
        [ -z "$wanted" ] || apt_install $wanted || die "apt-get could not install: $wanted"
        for package in $(missing_packages apt "${2-}"); do
            if apt-cache show "$package" >/dev/null 2>&1; then
                apt_install "$package" || say "Going on without $package."
            fi
        done
        ;;
    dnf) how="sudo dnf install" ;;
    pacman) how="sudo pacman -S --needed" ;;
    apk) how="sudo apk add" ;;
    brew) how="brew install" ;;
    esac
    [ -z "${how-}" ] || [ -z "$wanted" ] || die "some packages are missing. Please run: $how $wanted"
    left=$(unmet "$1")
    [ -z "$left" ] || die "missing on this system: ${left}(programs, or libraries with their headers)"
}

# configure FOLDER [OPTION...]: set a build folder up, or bring an old one up to date; start afresh where that fails (a
# folder that was moved, or that another meson made).
configure()
{
    configure_folder=$1
    shift
    if [ -f "$configure_folder/build.ninja" ] &&
        meson setup --reconfigure "$configure_folder" "$@" >/dev/null 2>&1; then
        return 0
    fi
    rm -rf "$configure_folder"
    quiet meson setup "$configure_folder" "$@" || die "meson could not configure $configure_folder"
}

# compile FOLDER: build; ninja's progress on a terminal, else its words only where it fails.
compile()
{
    say "Building in $1/ ..."
    if [ -t 2 ]; then
        ninja -C "$1" >&2
    else
        quiet ninja -C "$1"
    fi
}
