# the usual columns
$ ps | head -n 1
PID   USER     TIME  COMMAND
~ gnu: others
~ busybox: this build has no time

# chosen columns
$ ps -o pid,comm | grep -c '^ *PID *COMMAND'
1

# this shell is there, under its name
$ sh -c 'ps -o pid,comm | grep -q "^ *$$ sh"; echo $?'
0
~ gnu: shows one's own only, with a dash

# a header of one's own
$ ps -o pid=NUMBER,user | head -n 1 | sed 's/ *$//'
NUMBER,user
~ busybox: a comma ends it
~ gnu: a comma ends it

# no headers
$ ps -o pid= -p $$ | tr -d ' ' | grep -c "^$$\$"
1
~ busybox: no -p

# -p chooses
$ ps -o ppid= -p $$ | wc -l
1
~ busybox: no -p

# a process that is not there
$ ps -p 999999999 -o pid=
? 1
~ busybox: no -p

# the whole command line
$ sleep 30.$((987650 + 4)) & until grep -q sleep /proc/$!/comm; do :; done; ps -o args | grep -v grep | grep -c 'sleep 30.987654'; kill $!
1
~ gnu: shows one's own terminal only

# as BSD has it
$ ps aux | head -n 1 | awk '{ print $1, $2, $NF }'
USER PID COMMAND
~ busybox: takes no notice of it

# full format
$ ps -ef | head -n 1 | awk '{ print $1, $2, $3, $NF }'
UID PID PPID CMD
~ busybox: no -e

# a column that is none
$ ps -o nonsense 2>/dev/null
? 1

# state and parent
$ sleep 30 & until grep -q sleep /proc/$!/comm; do :; done; ps -o stat= -o ppid= -p $! | awk '{ print substr($1, 1, 1) }'; kill $!
S
~ busybox: no -p

# numbers as a group, a session and a nice value are there
$ nice -n 5 ps -o nice,comm | grep -c '^ *5 ps'
1
~ gnu: shows one's own terminal only
~ busybox: the kernel's name is that of busybox
