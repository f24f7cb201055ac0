$ echo x >f; cp f g; cat g
x

$ echo x >f; mkdir d; cp f d; cat d/f
x

$ echo x >f; echo y >g; mkdir d; cp f g d; ls d
f
g

$ mkdir d; cp d e
? 1

$ mkdir d; echo x >d/f; cp -r d e; cat e/f
x

$ mkdir d e; echo x >d/f; cp -r d e; cat e/d/f
x

$ cp missing g
? 1

$ echo x >f; cp f f
? 1

$ echo x >f; ln -s f l; cp l g; test -L g || cat g
x

$ echo x >f; ln -s f l; cp -P l g; readlink g
f

$ mkdir d; ln -s f d/l; cp -r d e; readlink e/l
f

$ echo x >f; mkdir d; ln -s ../f d/l; cp -rL d e; test -L e/l || cat e/l
x

$ echo x >f; chmod 600 f; cp -p f g; stat -c %a g
600

$ echo x >f; touch -d '2020-01-02 03:04:05' f; cp -p f g; stat -c %Y g
1577934245

$ echo x >f; touch -d '2020-01-02 03:04:05' f; cp -a f g; stat -c %Y g
1577934245

$ echo x >f; echo y >g; cp -n f g; cat g
y

$ echo x >f; echo y >g; echo n | cp -i f g 2>/dev/null; cat g
y

$ echo x >f; cp -l f g; stat -c %h f
2

$ echo x >f; cp -s f g; readlink g
f

$ echo x >f; echo y >g; touch -d 2000-01-01 f; cp -u f g; cat g
y

$ mkdir d; cp -r d d/e
? 1

$ echo x >f; echo y >g; cp f g missing
? 1

$ echo x >f; mkdir d; cp -t d f; ls d
f

$ echo x >f; mkdir d; cp -T f d
? 1

$ echo x >f; cp f d/
? 1

$ echo x >f; echo y >g; chmod 000 g; cp -f f g; cat g
x

$ mkdir -p a/b; echo x >a/b/f; mkdir d; cp --parents a/b/f d; cat d/a/b/f
x

$ mkdir d; echo x >d/f; mkdir e; cp -r d/. e; cat e/f
x

$ echo x >f; ln f g; mkdir d; cp -a f g d; stat -c %h d/f
2

$ mkdir d; mkfifo d/p; cp -r d e; test -p e/p && echo pipe
pipe

$ echo x >f; cp -v f g
'f' -> 'g'

$ echo x >f; mkdir d; cp d f
? 1

$ truncate -s 1M f; echo x >>f; cp f g; cmp f g && stat -c %s g
1048578

$ ln -s missing l; echo x >f; cp f l
? 1
~ busybox: the status is 0

$ cp f
? 1

$ echo x >f; echo y >g; cp --remove-destination f g; cat g
x

$ echo x >f; echo y >g; cp -b f g; cat g~
y
~ busybox: says: invalid option -- 'b'

$ echo x >f; cp --preserve=timestamps f g; cat g
x
~ busybox: says: unrecognized option '--preserve=timestamps'
