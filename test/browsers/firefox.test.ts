import { Stage } from '../fixtures/browsers/stage.ts';
import { callScenarios } from './scenarios/call.ts';
import { crashScenarios } from './scenarios/crashes.ts';
import { deviceScenarios } from './scenarios/devices.ts';
import { ownUseScenarios } from './scenarios/own-use.ts';
import { pictureScenarios } from './scenarios/picture.ts';
import { screenScenarios } from './scenarios/screen.ts';
import { securePageScenarios } from './scenarios/secure-page.ts';

const stage = new Stage('firefox');

callScenarios(stage);
crashScenarios(stage);
deviceScenarios(stage);
ownUseScenarios(stage);
pictureScenarios(stage);
screenScenarios(stage);
securePageScenarios(stage);
