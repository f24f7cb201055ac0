$ truncate -s 10 f; stat -c %s f
10

$ printf abcdef >f; truncate -s 3 f; cat f
abc
\

$ printf abc >f; truncate -s +2 f; stat -c %s f
5
~ busybox: says: invalid number '+2'

$ printf abc >f; truncate -s -2 f; stat -c %s f
1
~ busybox: says: invalid number '-2'

$ truncate -s 2k f; stat -c %s f
2048

$ truncate -c -s 5 f; ls

$ truncate -s x f
? 1

$ truncate f
? 1

$ printf abc >f; truncate -s '>5' f; stat -c %s f
5
~ busybox: says: invalid number '>5'

$ printf abc >f; truncate -s %4 f; stat -c %s f
4
~ busybox: says: invalid number '%4'

$ printf abc >f; truncate -r f g; stat -c %s g
3
~ busybox: says: invalid option -- 'r'

$ truncate -s 5G f; stat -c %s f
5368709120
