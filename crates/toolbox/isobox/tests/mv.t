$ echo x >f; mv f g; cat g; ls
x
g

$ echo x >f; mkdir d; mv f d; ls d
f

$ echo x >f; echo y >g; mkdir d; mv f g d; ls d
f
g

$ mkdir d; mv d e; ls
e

$ mkdir d e; mv d e; ls e
d

$ mv missing g
? 1

$ echo x >f; mv f f
? 1
~ busybox: the status is 0

$ echo x >f; echo y >g; mv f g; cat g
x

$ echo x >f; echo y >g; mv -n f g; cat g
y

$ echo x >f; echo y >g; echo n | mv -i f g 2>/dev/null; cat g
y

$ mkdir d; mv d d/e
? 1

$ echo x >f; mkdir d; mv -t d f; ls d
f

$ echo x >f; mkdir d; mv -T f d
? 1

$ echo x >f; mkdir d; mv d f
? 1

$ echo x >f; mv -v f g
'f' -> 'g'
~ gnu: prints otherwise

$ echo x >f; ln -s f l; mv l m; readlink m
f

$ mv f
? 1

$ mkdir -p d/f e/d; mv e/d . ; ls d
f

$ echo x >f; mkdir /dev/shm/isobox-mv.$$; mv f /dev/shm/isobox-mv.$$/g; cat /dev/shm/isobox-mv.$$/g; rm -r /dev/shm/isobox-mv.$$; ls
x

$ echo x >f; echo y >g; mv -u f g; cat g
y
