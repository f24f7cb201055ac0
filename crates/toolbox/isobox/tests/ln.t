$ echo x >f; ln f g; stat -c %h g
2

$ ln -s x l; readlink l
x

$ echo x >f; mkdir d; ln f d; ls d
f

$ ln -s x l; ln -s y l
? 1

$ ln -s x l; ln -sf y l; readlink l
y

$ mkdir d; ln -s d l; ln -sf x l; readlink d/x
x

$ mkdir d; ln -s d l; ln -sfn x l; readlink l
x

$ mkdir d; ln -s /a/b d; readlink d/b
/a/b

$ ln missing g
? 1

$ mkdir d; ln d e
? 1

$ mkdir d; ln -s x y d; ls d
x
y

$ echo x >f; ln -v f g
'g' -> 'f'
~ gnu: prints otherwise

$ mkdir -p a/b; echo x >f; ln -sr f a/b/l; readlink a/b/l
../../f
~ busybox: says: invalid option -- 'r'

$ echo x >f; echo y >g; ln -sb f g; cat g~
y

$ ln -s x -t .; ls -l x | grep -c -e '-> x'
1
~ busybox: says: invalid option -- 't'

$ ln
? 1
