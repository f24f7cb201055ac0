# by name
$ sleep 30.$((987650 + 1)) & until grep -q sleep /proc/$!/comm; do :; done; pgrep -x sleep | grep -c "^$!\$"; kill $!
1
~ busybox: not in this build

# by command line
$ sleep 30.$((987650 + 2)) & until grep -q sleep /proc/$!/comm; do :; done; pgrep -f 'sleep 30.98765[2]' | grep -c "^$!\$"; kill $!
1
~ busybox: not in this build

# with the name
$ sleep 30.$((987650 + 3)) & until grep -q sleep /proc/$!/comm; do :; done; pgrep -lf 'sleep 30.98765[3]' | grep "^$! " | cut -d ' ' -f 2; kill $!
sleep
~ busybox: not in this build

# with the command line
$ sleep 30.$((987640 + 3)) & until grep -q sleep /proc/$!/comm; do :; done; pgrep -af 'sleep 30.98764[3]' | cut -d ' ' -f 2-; kill $!
sleep 30.987643
~ busybox: not in this build

# children
$ sleep 30.$((987650 + 4)) & until grep -q sleep /proc/$!/comm; do :; done; pgrep -P $$ sleep | grep -c "^$!\$"; kill $!
1
~ busybox: not in this build

# none
$ pgrep -f 'this is no process that ru[n]s'
? 1
~ busybox: not in this build

# the newest and the oldest
$ sleep 30.$((987650 + 5)) & until grep -q sleep /proc/$!/comm; do :; done; a=$!; sleep 0.05; sleep 30.$((987650 + 5)) & until grep -q sleep /proc/$!/comm; do :; done; [ "$(pgrep -nf 'sleep 30.98765[5]')" = $! ] && [ "$(pgrep -of 'sleep 30.98765[5]')" = $a ] && echo yes; kill $a $!
yes
~ busybox: not in this build

# between numbers
$ sleep 30.$((987650 + 6)) & until grep -q sleep /proc/$!/comm; do :; done; a=$!; sleep 30.$((987650 + 6)) & until grep -q sleep /proc/$!/comm; do :; done; pgrep -d , -f 'sleep 30.98765[6]' | grep -c ,; kill $a $!
1
~ busybox: not in this build

# counted
$ sleep 30.$((987650 + 7)) & until grep -q sleep /proc/$!/comm; do :; done; pgrep -cf 'sleep 30.98765[7]'; kill $!
1
~ busybox: not in this build

# of a user
$ sleep 30.$((987650 + 8)) & until grep -q sleep /proc/$!/comm; do :; done; pgrep -u "$(id -u)" -f 'sleep 30.98765[8]' | wc -l; pgrep -u 54321 -f 'sleep 30.98765[8]' | wc -l; kill $!
1
0
~ busybox: not in this build

# a bad expression
$ pgrep '(' 2>/dev/null
? 1
~ gnu: fails with 2
~ busybox: not in this build

# no pattern
$ pgrep 2>/dev/null
? 1
~ gnu: fails with 2
~ busybox: not in this build
