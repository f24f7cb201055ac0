# at least one
$ [ $(nproc) -ge 1 ] && [ $(nproc --all) -ge $(nproc) ] && echo yes
yes

# fewer, but one
$ nproc --ignore=1000
1

# what is allowed
$ taskset 1 nproc
1
