# For scripts that mount small disks on the folder disk: sourced after tap.sh.
#
#   leave_disk   unmounts it; a rank of an aborted job may hold it for a moment
#   $page        bytes of a page, in which sizes of disks are counted

page=4096

leave_disk() {
    for _ in $(seq 50); do
        ! umount disk 2>/dev/null || return 0
        sleep 0.1
    done
    umount disk
}
