#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# ./demo.sh [PHOTO] [-o FOLDER]
#
# From a bare machine to an enlarged photo: installs what is missing, builds fovea into build/, enlarges a photo to twice
# its size, and measures what that is worth. Results go to build/demo/ unless -o names another folder.
set -eu

photo=
folder=build/demo
here=$(cd "$(dirname "$0")" && pwd)

usage()
{
    echo "usage: ./demo.sh [PHOTO] [-o FOLDER]"
}

# absolute PATH: as seen from the caller's folder.
absolute()
{
    case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$PWD/$1" ;;
    esac
}

while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    -o) [ $# -gt 1 ] || { usage >&2 && exit 2; }
        folder=$(absolute "$2") && shift ;;
    -o*) folder=$(absolute "${1#-o}") ;;
    -*) usage >&2 && exit 2 ;;
    *) [ -z "$photo" ] || { usage >&2 && exit 2; }
       photo=$(absolute "$1") ;;
    esac
    shift
done

cd "$here"
. tools/setup.sh

# The portrait of Grace Hopper is a photo by the U.S. Navy and in the public domain; Debian's Python plotting data have it.
sample=/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg

fetch_sample()
{
    [ -f "$sample" ] && return
    [ "$(package_manager)" = apt ] || die "please name a photo: ./demo.sh PHOTO"
    apt_install python-matplotlib-data || die "apt-get could not install python-matplotlib-data; please name a photo: ./demo.sh PHOTO"
    [ -f "$sample" ] || die "the package python-matplotlib-data has no $sample; please name a photo: ./demo.sh PHOTO"
}

# figure NAME JSON: the number behind a name in one line of JSON ("psnr_y": 31.5).
figure()
{
    printf '%s' "$2" | tr -d '\n' | sed -n "s/.*\"$1\": *\\(-\\{0,1\\}[0-9][0-9.e+-]*\\).*/\\1/p"
}

# compare_row NAME FILE: one line of the table.
compare_row()
{
    result=$(build/fovea compare "$reference" "$2" --border 2 --json) || die "compare failed"
    printf '  %-10s %8.2f dB %10.4f\n' "$1" "$(figure psnr_y "$result")" "$(figure ssim_y "$result")"
}

require "$build_needs"
configure build
compile build || die "the build failed"

if [ -z "$photo" ]; then
    fetch_sample
    photo=$sample
fi
[ -f "$photo" ] || die "no such file: $photo"
mkdir -p "$folder"
name=$(basename "$photo")
name=${name%.*}
large=$folder/${name}_x2.png

echo "fovea enlarges $photo to twice its size."
echo
build/fovea analyze "$photo" -o "$folder/difficulty.png" --quiet
build/fovea upscale "$photo" -o "$large" -s 2 --map "$folder/provenance.png" --report "$folder/report.json"
echo
echo "Look at"
echo "  $large              the enlarged picture"
echo "  $folder/difficulty.png    where detail was lost: dark = easy, bright = hard"
echo "  $folder/provenance.png    which tile was made by the filter and which by a network"
echo "  $folder/report.json       what was done, how long it took, how far to trust it"
echo

# The same photo, reduced to half its size and enlarged back: now the truth is known, and the result can be measured.
reference=$photo
small=$folder/${name}_half.png
build/fovea downscale "$photo" -o "$small" -s 2 --quiet
for method in bicubic auto; do
    build/fovea upscale "$small" -o "$folder/${name}_back_$method.png" -s 2 --method $method --quiet
done
echo "How good is that? The photo was reduced to half its size and enlarged back; compared with the original:"
echo "  method         PSNR-Y     SSIM-Y"
compare_row bicubic "$folder/${name}_back_bicubic.png"
compare_row fovea "$folder/${name}_back_auto.png"
echo "(higher is better; +1 dB is visible, 'auto' is what fovea does unless told otherwise)"
echo "The pictures: $folder/${name}_half.png, ${name}_back_bicubic.png, ${name}_back_auto.png"
