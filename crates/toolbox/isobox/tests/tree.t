$ mkdir -p d/e; touch d/a d/e/b; tree d
d
├── a
└── e
    └── b
|
1 directory, 2 files
~ busybox: no such applet
~ gnu: no such command

$ mkdir d; tree d
d
|
0 directories, 0 files
~ busybox: no such applet
~ gnu: no such command

$ mkdir d; touch d/.h; tree -a d
d
└── .h
|
0 directories, 1 file
~ busybox: no such applet
~ gnu: no such command

$ mkdir -p d/e; touch d/a; tree -d d
d
└── e
|
1 directory
~ busybox: no such applet
~ gnu: no such command

$ mkdir -p d/e/f; tree -L 1 d
d
└── e
|
1 directory, 0 files
~ busybox: no such applet
~ gnu: no such command

$ mkdir d; ln -s x d/l; tree d
d
└── l -> x
|
0 directories, 1 file
~ busybox: no such applet
~ gnu: no such command

$ mkdir d; touch d/a; tree --noreport d
d
└── a
~ busybox: no such applet
~ gnu: no such command

$ mkdir d; touch d/a; tree -if --noreport d
d
d/a
~ busybox: no such applet
~ gnu: no such command

$ tree missing
missing  [error opening dir: No such file or directory]
|
0 directories, 0 files
? 1
~ busybox: no such applet
~ gnu: no such command
