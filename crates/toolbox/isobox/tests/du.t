$ mkdir d; printf abc >d/f; du -a d | sed 's/^[0-9]*/N/'
N	d/f
N	d

$ mkdir -p d/e; du d | sed 's/^[0-9]*/N/'
N	d/e
N	d

$ mkdir -p d/e; du -s d | sed 's/^[0-9]*/N/'
N	d

$ mkdir -p d/e/f; du -d 1 d | sed 's/^[0-9]*/N/'
N	d/e
N	d

$ printf abc >f; du -b f
3	f

$ mkdir d e; du -c d e | sed 's/^[0-9]*/N/'
N	d
N	e
N	total

$ du missing
? 1

$ truncate -s 1M f; du f
0	f

$ head -c 100000 /dev/zero >f; sync f; du -k f
100	f

$ head -c 100000 /dev/zero >f; du -b -h f
97.7K	f
~ gnu: prints otherwise

$ head -c 10000 /dev/zero >f; ln f g; du -b f g
10000	f

$ mkdir d; head -c 10000 /dev/zero >d/f; ln d/f d/g; du -ab d | head -n 1 | cut -f 1
10000
