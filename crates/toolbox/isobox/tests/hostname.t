# the name
$ [ "$(hostname)" = "$(cat /proc/sys/kernel/hostname)" ] && echo same
same

# up to the dot, in a namespace of its own
$ unshare -u sh -c 'hostname a.b.c; hostname; hostname -s; hostname -d; printf "# a name\nx.y\n" >f; hostname -F f; hostname'
a.b.c
a
b.c
x.y
% root
~ gnu: asks the name service for the domain
~ busybox: asks the name service for the domain
