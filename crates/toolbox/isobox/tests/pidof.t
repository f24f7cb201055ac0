# by name
$ sleep 30.$((987670 + 1)) & until grep -q sleep /proc/$!/comm; do :; done; pidof sleep | tr ' ' '\n' | grep -c "^$!\$"; kill $!
1

# one only
$ sleep 30.$((987670 + 2)) & until grep -q sleep /proc/$!/comm; do :; done; a=$!; sleep 30.$((987670 + 2)) & until grep -q sleep /proc/$!/comm; do :; done; pidof -s sleep | wc -w; kill $a $!
1
~ busybox: not in this build

# not these
$ sleep 30.$((987670 + 3)) & until grep -q sleep /proc/$!/comm; do :; done; pidof -o $! sleep | tr ' ' '\n' | grep -c "^$!\$"; kill $!
0

# none
$ pidof this-is-no-process
? 1
