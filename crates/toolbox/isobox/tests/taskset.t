# runs on one processor
$ taskset 1 sh -c 'taskset -p $$ | sed "s/.*: //"'
1

# a list
$ taskset -c 0 sh -c 'taskset -cp $$ | sed "s/.*: //"'
0

# sets it
$ sh -c 'taskset -p 1 $$ | sed -n "s/.*new/new/p"'
new affinity mask: 1

# a bad mask
$ taskset x true 2>/dev/null
? 1
~ gnu: another status
