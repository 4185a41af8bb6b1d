'use strict';

/** `npm start`: everything from a fresh clone to a counted, killed, resumed and verified stream of clicks. */
require('./prepare.js');
require('../dist/demo/main.js');
