# ends a process
$ sleep 30.$((987680 + 1)) & until grep -q sleep /proc/$!/comm; do :; done; env kill $!; wait $!; echo $?
143

# by a signal's name or number
$ sleep 30.$((987680 + 2)) & until grep -q sleep /proc/$!/comm; do :; done; env kill -KILL $!; wait $!; echo $?; sleep 30.$((987680 + 2)) & until grep -q sleep /proc/$!/comm; do :; done; env kill -9 $!; wait $!; echo $?; sleep 30.$((987680 + 2)) & until grep -q sleep /proc/$!/comm; do :; done; env kill -s TERM $!; wait $!; echo $?
137
137
143

# asks only
$ env kill -0 $$; echo $?; env kill -0 999999999 2>/dev/null; echo $?
0
1

# what a number or name is
$ env kill -l 9; env kill -l TERM; env kill -l 143
KILL
15
TERM
~ gnu: knows no exit statuses

# all names
$ env kill -l | grep -c TERM
1

# no process
$ env kill 2>/dev/null
? 1

# no signal
$ env kill -NONSENSE $$ 2>/dev/null
? 1

# no number
$ env kill abc 2>/dev/null
? 1

# a group
$ setsid sleep 30 & until grep -q sleep /proc/$!/comm; do :; done; env kill -TERM -- -$!; wait $!; echo $?
143
