#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# tools/emulate-avx512.sh [-b BUILD] [PROGRAM...]
#
# Runs unit tests on an emulated processor with AVX-512, for machines that have none: Bochs (a Skylake-X) boots a small
# Linux with the programs and prints what they say. PROGRAM: files; by default tests/unit/test_net of the build folder
# (-b, by default build). Exit code 0: all programs ended with 0. For Debian 12 on x86-64; needs its package archive but
# not root: packages are unpacked in BUILD/emulate. Not part of test.sh, since it takes long: test_net 14 minutes of
# processor time on a Zen 3 that needs 5 seconds for it natively.
set -eu

build=build
while getopts b: option; do
    case $option in
    b) build=$OPTARG ;;
    *) echo "usage: tools/emulate-avx512.sh [-b BUILD] [PROGRAM...]" >&2 && exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- "$build/tests/unit/test_net"
for program; do
    [ -x "$program" ] || { echo "no program $program: build the tests first" >&2 && exit 2; }
done
mkdir -p "$build/emulate/debs"
here=$(cd "$build/emulate" && pwd)
root=$here/root
libs=$root/usr/lib/x86_64-linux-gnu

# The emulator with the libraries that this machine lacks, what makes a bootable image, and a kernel.
fetch()
{
    packages='bochs bochs-term bochsbios vgabios busybox-static isolinux syslinux-common xorriso libisoburn1'
    # shellcheck disable=SC2086
    packages="$packages $(apt-get install -s --no-install-recommends $packages | awk '/^Inst/ { print $2 }')
        $(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ { print $2; exit }')"
    # shellcheck disable=SC2046,SC2086
    (cd "$here/debs" && apt-get download -q $(printf '%s\n' $packages | sort -u))
    for package in "$here"/debs/*.deb; do
        dpkg -x "$package" "$root"
    done
}

# A file system with the programs, their libraries and a first process that runs them one after the other.
# shellcheck disable=SC2016
make_initrd()
{
    rm -rf "$here/fs"
    mkdir -p "$here/fs/bin" "$here/fs/lib" "$here/fs/lib64" "$here/fs/proc" "$here/fs/dev" "$here/iso/isolinux"
    cp "$root/bin/busybox" "$here/fs/bin"
    {
        printf '#!/bin/busybox sh\nb=/bin/busybox\n$b mount -t proc proc /proc\n$b mount -t devtmpfs dev /dev\n'
        printf 'exec >/dev/ttyS0 2>&1\nexport LD_LIBRARY_PATH=/lib\n$b grep -o "avx512[^ ]*" /proc/cpuinfo\nfailed=0\n'
        for program; do
            cp "$program" "$here/fs/bin"
            ldd "$program" | grep -o '/[^ ]*' | xargs -I FILE cp -L FILE "$here/fs/lib"
            printf '/bin/%s || failed=1\n' "${program##*/}"
        done
        printf 'echo "all ended: failed=$failed"\n$b sleep 1\n$b poweroff -f\n'
    } >"$here/fs/init"
    chmod +x "$here/fs/init"
    mv "$here/fs/lib"/ld-linux* "$here/fs/lib64"
    (cd "$here/fs" && find . | "$root/bin/busybox" cpio -o -H newc) >"$here/iso/initrd"
}

# Bochs names a wrong size for the compacted form of XSAVE, upon which Linux would do without AVX: so not that form.
make_image()
{
    cp "$root"/boot/vmlinuz-* "$here/iso/vmlinuz"
    cp "$root/usr/lib/ISOLINUX/isolinux.bin" "$root/usr/lib/syslinux/modules/bios/ldlinux.c32" "$here/iso/isolinux"
    printf '%s\n' 'DEFAULT l' 'LABEL l' ' LINUX /vmlinuz' \
        ' APPEND initrd=/initrd console=ttyS0,115200 quiet mitigations=off clearcpuid=xsaves,xsavec panic=-1' \
        >"$here/iso/isolinux/isolinux.cfg"
    LD_LIBRARY_PATH=$libs "$root/usr/bin/xorriso" -as mkisofs -quiet -o "$here/boot.iso" -b isolinux/isolinux.bin \
        -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$here/iso"
    cat >"$here/bochsrc" <<END
display_library: term
config_interface: textconfig
plugin_ctrl: unmapped=0, speaker=0
megs: 256
cpu: model=corei7_skylake_x, ips=100000000
romimage: file=$root/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=$root/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=$here/boot.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$here/serial.txt
log: $here/bochs.txt
panic: action=fatal
END
    echo c >"$here/go" # Debian's Bochs starts in its debugger, where c is: continue
}

[ -d "$root" ] || fetch
make_initrd "$@"
make_image
: >"$here/serial.txt"
: >"$here/screen.txt"
LD_LIBRARY_PATH=$libs LTDL_LIBRARY_PATH=$libs/bochs/plugins BXSHARE=$root/usr/share/bochs TERM=xterm \
    nice "$root/usr/bin/bochs-bin" -q -f "$here/bochsrc" -rc "$here/go" </dev/null >"$here/screen.txt" 2>&1 &
bochs=$!
trap 'kill -9 $bochs' INT TERM
# The emulator shows its screen on a terminal that it names, and stands still when nobody reads it.
until screen=$(grep -ao '/dev/pts/[0-9]*' "$here/screen.txt"); do
    kill -0 $bochs || exit 1
    sleep 1
done
cat "$screen" >/dev/null 2>&1 &
wait $bochs || true
cat "$here/serial.txt"
grep -aq 'all ended: failed=0' "$here/serial.txt"
