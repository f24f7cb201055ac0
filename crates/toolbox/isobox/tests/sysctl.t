# a key
$ sysctl kernel.ostype; sysctl -n kernel.ostype; sysctl -N kernel.ostype
kernel.ostype = Linux
Linux
kernel.ostype
~ busybox: no -N

# with slashes
$ sysctl kernel/ostype
kernel.ostype = Linux

# all
$ sysctl -a 2>/dev/null | grep -c '^kernel.ostype = Linux'
1

# all below
$ sysctl kernel | grep -c '^kernel.ostype = Linux'
1
~ gnu: needs a key
~ busybox: needs a key

# sets, in a namespace of its own
$ unshare -u sh -c 'sysctl -w kernel.hostname=one; sysctl kernel.hostname=two; sysctl -q -w kernel.hostname=three; cat /proc/sys/kernel/hostname'
kernel.hostname = one
kernel.hostname = two
three
% root

# a file
$ printf '# comment\n\nkernel.hostname = four\n-no.such=1\n' >f; unshare -u sh -c 'sysctl -p f; cat /proc/sys/kernel/hostname'
kernel.hostname = four
four
% root
~ busybox: knows no minus sign

# a key that is none
$ sysctl no.such.key 2>/dev/null; echo $?; sysctl -e no.such.key; echo $?
1
0
~ gnu: says 255
~ busybox: fails even so
