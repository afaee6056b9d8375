#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# ./demo.sh [PHOTO] [-o FOLDER]
#
# From a bare machine to an enlarged photo: installs what is missing, builds fovea into build/, enlarges a photo to
# twice its size, and measures what that is worth. Results go to build/demo/ unless -o names another folder.
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

# The portrait of Grace Hopper is a photo by the U.S. Navy and in the public domain; Debian's Python plotting data have
# it.
sample=/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg

fetch_sample()
{
    [ -f "$sample" ] && return
    [ "$(package_manager)" = apt ] || die "please name a photo: ./demo.sh PHOTO"
    if ! apt_install python-matplotlib-data || [ ! -f "$sample" ]; then
        die "the package python-matplotlib-data gave no $sample; please name a photo: ./demo.sh PHOTO"
    fi
}

# figure NAME JSON: the first number with this name in a line of JSON ("psnr_y": 31.5).
figure()
{
    printf '%s' "$2" | tr -d '\n' | sed "s/\"$1\"/@/" | sed -n 's/[^@]*@: *\(-\{0,1\}[0-9][0-9.e+-]*\).*/\1/p'
}

# measure METHOD: how near the photo comes that was halved and enlarged by this method, as JSON. A photo of odd width or
# height was cropped on the way, so the enlarged file has another size; then fovea evaluate does the same in memory.
measure()
{
    build/fovea compare "$photo" "$folder/${name}_back_$1.png" --border 2 --json 2>/dev/null && return
    mkdir -p "$folder/original"
    cp "$photo" "$folder/original/"
    build/fovea evaluate "$folder/original" -s 2 --method "$1" --json --quiet
}

[ -z "$photo" ] || [ -f "$photo" ] || die "no such file: $photo"
require "$build_needs"
configure build
compile build || die "the build failed"

if [ -z "$photo" ]; then
    fetch_sample
    photo=$sample
fi
mkdir -p "$folder"
name=$(basename "$photo")
name=${name%.*}
large=$folder/${name}_x2.png

echo "fovea enlarges $photo to twice its size."
echo
build/fovea analyze "$photo" -o "$folder/difficulty.png" --quiet
build/fovea upscale "$photo" -o "$large" -s 2 --map "$folder/provenance.png" --report "$folder/report.json"
echo
echo "In the folder $folder:"
echo "  ${name}_x2.png     the enlarged picture"
echo "  difficulty.png     where detail was lost: dark = easy, bright = hard"
echo "  provenance.png     what made each tile: grey = classical, blue = filter, green, yellow = networks"
echo "  report.json        what was done, how long it took, how far to trust it"
echo

# The same photo, halved and enlarged back: now the truth is known, and the result can be measured.
build/fovea downscale "$photo" -o "$folder/${name}_half.png" -s 2 --quiet
for method in bicubic auto; do
    build/fovea upscale "$folder/${name}_half.png" -o "$folder/${name}_back_$method.png" -s 2 --method $method --quiet
done
before=$(measure bicubic)
after=$(measure auto)
echo "What is that worth? The photo was halved, enlarged back, and compared with the original (higher is better):"
echo "  enlarged by    PSNR-Y    SSIM-Y"
printf '  bicubic     %6.2f dB    %.4f\n' "$(figure psnr_y "$before")" "$(figure ssim_y "$before")"
printf '  fovea       %6.2f dB    %.4f\n' "$(figure psnr_y "$after")" "$(figure ssim_y "$after")"
printf '%s %s\n' "$(figure psnr_y "$before")" "$(figure psnr_y "$after")" |
    awk '{ d = $2 - $1; printf "  gain        %+6.2f dB, an error energy %.0f %% %s\n",
           d, 100 * (d < 0 ? 10 ^ (-d / 10) - 1 : 1 - 10 ^ (-d / 10)), d < 0 ? "higher" : "lower" }'
echo "See for yourself: ${name}_half.png, ${name}_back_bicubic.png and ${name}_back_auto.png in the same folder."
