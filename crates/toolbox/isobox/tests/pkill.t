# ends processes
$ sleep 30.$((987660 + 1)) & until grep -q sleep /proc/$!/comm; do :; done; pkill -f 'sleep 30.98766[1]'; wait $!; echo $?
143
~ busybox: not in this build

# by another signal
$ sleep 30.$((987660 + 2)) & until grep -q sleep /proc/$!/comm; do :; done; pkill -KILL -f 'sleep 30.98766[2]'; wait $!; echo $?
137
~ busybox: not in this build

# by its number
$ sleep 30.$((987660 + 3)) & until grep -q sleep /proc/$!/comm; do :; done; pkill -9 -f 'sleep 30.98766[3]'; wait $!; echo $?
137
~ busybox: not in this build

# none
$ pkill -f 'this is no process that ru[n]s'
? 1
~ busybox: not in this build

# asks only
$ sleep 30.$((987660 + 4)) & until grep -q sleep /proc/$!/comm; do :; done; pkill -0 -f 'sleep 30.98766[4]'; echo $?; kill $!
0
~ busybox: not in this build

# a signal that is none
$ pkill --signal NONSENSE sleep 2>/dev/null
? 1
~ busybox: not in this build
~ gnu: fails with 2
